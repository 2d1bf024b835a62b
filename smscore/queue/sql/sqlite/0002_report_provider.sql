ALTER TABLE payamak_report ADD COLUMN provider TEXT; -- who reported; NULL: not known, as of reports by an older Payamak
