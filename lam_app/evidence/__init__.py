"""Evidence: one signed archive that shows others what was asked, decided and done, and proves the record of it."""
