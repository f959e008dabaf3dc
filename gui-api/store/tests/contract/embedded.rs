//! What the embedded back-end promises besides: about its files.
