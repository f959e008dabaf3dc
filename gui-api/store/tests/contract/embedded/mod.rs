//! What the embedded back-end promises besides: about its files, kills, full disks and other processes.

mod child;
mod damage;
mod directory;
mod full_disk;
mod kill;
mod processes;
mod scans;
