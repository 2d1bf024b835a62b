ALTER TABLE payamak_report ADD COLUMN provider text; -- who reported; NULL: not known, as of reports by an older Payamak
