//! The intake against a real redis-server and a real store: killed, starved, contended, and exact all the same.

mod functions;
mod identity;
mod keeping;
mod lane_errors;
mod lean;
mod merged;
mod outages;
mod owners;
mod replay;
mod rules;
mod segments;
mod settling;
mod silence;
mod support;
mod upheaval;
