"""FHIR responses and questionnaires, written as short as they can be."""

import json

import pytest

from transforms.codebooks.fhir_questionnaire import read_fhir_questionnaire
from transforms.readers.reading import FileProblem
from transforms.tools.fhir import read_bytes

ABSENT = "urn:codes/data-absent-reason"


def item(link, *answers, **more):
    return {"linkId": link, "answer": list(answers), **more}


def coding(code, display="", system="urn:x"):
    return {"valueCoding": {"system": system, "code": code, "display": display}}


def response(*items, status="completed", **more):
    return {
        "resourceType": "QuestionnaireResponse",
        "id": "r1",
        "status": status,
        "authored": "2026-11-04T09:12:31+01:00",
        "item": list(items),
        **more,
    }


def bundle(*resources):
    return {"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}


def read(document, codebook=None):
    return read_bytes(json.dumps(document).encode(), codebook)


def read_lines(*documents):
    return read_bytes("\n".join(json.dumps(one) for one in documents).encode(), None)


def column(reading, name):
    return reading.table[name].to_pylist()


def refused(content, codebook=None):
    with pytest.raises(FileProblem) as problem:
        read_bytes(content, codebook)
    return problem.value.reason


def outcome(content):
    """A reading, or the reason why there is none; no other exception may come."""
    try:
        return read_bytes(content, None)
    except FileProblem as problem:
        return problem.reason


def book(*items):
    form = {"resourceType": "Questionnaire", "item": list(items)}
    return read_fhir_questionnaire(json.dumps(form).encode())


def absent(code):
    return {"valueCoding": {"system": ABSENT, "code": code}}
