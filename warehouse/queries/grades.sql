-- Every indicator by grade in the whole municipality; ':' is a hidden figure.
select indicator, wave_id, grade, coalesce(value::varchar, ':') as value,
    coalesce(n_band, ':') as pupils
from mart.indicator
where level = 'grade'
order by indicator, wave_id, grade
