"""Pages whose domain is known, laid out on made sites: what the recall loop is measured on."""
