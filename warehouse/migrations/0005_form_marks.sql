-- What a form says beside its answers, and what a file says of how far it names nobody.

alter table core.response add column answer_time_ms integer;         -- for the whole form, where told
alter table core.response add column had_text boolean;               -- whether there was free text; the text is nowhere
alter table quarantine.response add column answer_time_ms integer;
alter table quarantine.response add column had_text boolean;
alter table quarantine.set_aside add column answer_time_ms integer;
alter table quarantine.set_aside add column had_text boolean;

-- Counted over the sound rows of the file, whatever else is stored: a file tells the same of itself
-- whenever it comes.
alter table core.delivery add column with_text integer;              -- rows in which a pupil had written freely
alter table core.delivery add column alone integer;                  -- rows that nobody else in the file shares school, class, grade and gender with
alter table core.delivery add column fewest_alike integer;           -- rows of the smallest such group: the k of k-anonymity
