-- A pupil who answered several surveys of a wave: in which of them a flag's evidence was answered.

alter table core.flag_evidence add column survey_id varchar;    -- null: in the flag's own survey, or the wave before
