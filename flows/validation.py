"""The rows of recognised files, read and validated block after block, one block ahead."""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from flows.home import Config
from flows.recognition import Delivery
from schemas.reason import Reason
from transforms.canonical import canonical_batch
from transforms.readers.delimited import read_batches
from transforms.readers.heading import Heading
from transforms.readers.reading import Batch, FileProblem, batch_of
from transforms.recognise import Layout, told_columns
from transforms.validate import Validated, Validator

log = logging.getLogger(__name__)

T = TypeVar("T")


def validated_blocks(deliveries: Sequence[Delivery], config: Config) -> Iterator[Validated]:
    """The typed rows of one survey's deliveries; `file_no` is the place in `deliveries`."""
    validators: dict[int, tuple[Validator, list[str]]] = {}
    for batch, layout in _read_ahead(_batches(deliveries)):
        form = id(layout.survey)  # a changed form of a survey has columns and codes of its own
        if form not in validators:
            validators[form] = (
                Validator(layout.survey, config.instruments, config.settings),
                told_columns(layout.survey, config.instruments),
            )
        yield _validated(batch, layout, *validators[form])


def _validated(batch: Batch, layout: Layout, validator: Validator, items: list[str]) -> Validated:
    """The batch's rows, typed. What nobody foresaw in them must not stop other people's files."""
    try:
        return validator.validate(canonical_batch(batch, layout, items))
    except FileProblem:
        raise
    except Exception as error:  # noqa: BLE001 - the boundary to what other people's cells may hold
        log.warning("the validator stopped with %s", type(error).__name__)
    raise FileProblem(Reason.UNREADABLE)


def _read_ahead(batches: Iterator[T]) -> Iterator[T]:
    """Read the next block while this one is validated: reading lets other threads work."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch


def _batches(deliveries: Sequence[Delivery]) -> Iterator[tuple[Batch, Layout]]:
    """Texts with the same heading as one stream of blocks, every other reading by itself."""
    texts: dict[Heading, list[tuple[int, Delivery]]] = {}
    for file_no, delivery in enumerate(deliveries):
        if delivery.heading is not None:
            texts.setdefault(delivery.heading, []).append((file_no, delivery))
        elif delivery.reading is not None and delivery.layout is not None:
            yield batch_of(delivery.reading, file_no), delivery.layout
    for heading, group in texts.items():
        layout = group[0][1].layout
        if layout is not None:
            contents = ((file_no, delivery.text) for file_no, delivery in group)
            for batch in read_batches(contents, heading):
                yield batch, layout
