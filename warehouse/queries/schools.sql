-- Every indicator by school, not ranked; ':' is a hidden figure.
select indicator, wave_id, school_id, coalesce(value::varchar, ':') as value,
    coalesce(n_band, ':') as pupils
from mart.indicator
where level = 'school' and grade is null
order by indicator, wave_id, school_id
