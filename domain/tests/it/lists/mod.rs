//! Lists of the pages: alerts, search, clusters, holders of a certificate, jobs.

mod alerts;
mod clusters;
mod jobs;
mod reads;
mod search;
