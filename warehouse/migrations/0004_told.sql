-- A run that is cut off has told nobody what became of its files: the next one asks for a person.

alter table core.delivery add column told_at timestamptz;  -- when a run ended that told of the file

update core.delivery set told_at = filed_at;
