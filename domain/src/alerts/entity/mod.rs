//! Rows of the room.

pub mod acknowledgement;
pub mod acknowledgement_group;
pub mod alert;
pub mod channel;
pub mod mail;
pub mod mark;
pub mod message;
pub mod rule;
pub mod run;
pub mod setting;
pub mod skip;
pub mod suspended;
pub mod trouble;
