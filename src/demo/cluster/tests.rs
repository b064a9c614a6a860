//! The controllers, driven by hand.
