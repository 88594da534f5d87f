"""What the work costs here and in the field's packages: ``make benchmark``."""
