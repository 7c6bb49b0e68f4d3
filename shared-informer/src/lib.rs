//! The declared API-cost budget.
