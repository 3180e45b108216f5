-- Every indicator of the whole municipality, wave by wave; ':' is a hidden figure.
select i.indicator, d.label_en as label, i.wave_id, i.statistic,
    coalesce(i.value::varchar, ':') as value, coalesce(i.n_band, ':') as pupils
from mart.indicator i
left join mart.dictionary d on d.entry = 'indicator' and d.name = i.indicator
where i.level = 'municipality' and i.gender is null
order by i.indicator, i.wave_id
