//! The parts that pages are made of: props in, view out. They fetch nothing.

pub mod button;
pub mod clock;
pub mod code;
pub mod dialog;
pub mod diff_view;
pub mod emphasis;
pub mod feedback;
pub mod form;
pub mod icon;
pub mod keys;
pub mod layout;
pub mod loaded;
pub mod palette;
pub mod panel;
pub mod plan_view;
pub mod reason;
pub mod sha;
pub mod standing;
pub mod status;
pub mod switcher;
pub mod target_link;
pub mod theme;
pub mod tone;
pub mod tree;
pub mod tree_layout;
pub mod tree_list;
