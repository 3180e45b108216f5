-- What each figure comes from: deliveries and definitions, as checksums.
from mart.lineage
order by all
