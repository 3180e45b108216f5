-- How many pupils or classes have at least one flag, by situation and level; ':' is hidden.
select wave_id, target, situation, flag_level, coalesce(n_band, ':') as flagged
from mart.flag_count
where level = 'municipality'
order by all
