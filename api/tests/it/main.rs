//! Claims about the API, against the real program's parts.

mod openapi;
