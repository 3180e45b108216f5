-- How many figures of each indicator are hidden, by wave and level.
select indicator, wave_id, level, count(*) as figures, count(*) filter (suppressed) as hidden
from mart.indicator
group by all
order by all
