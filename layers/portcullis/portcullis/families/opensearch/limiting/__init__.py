"""What limits what a role reads: document filters, field rules, masks, and how those of several roles add up."""
