"""The call of the JSON API that asks for an answer again, in the languages of those who copy it."""

import json
import shlex

from flask import url_for

from app.history.entry import Entry
from app.recognition.origin import ADDRESS


def write_calls(entry: Entry) -> dict[str, str]:
    """Write the call for the photo of an answer, by the language it is written in."""
    url = url_for("api.predictions", _external=True)
    if entry.origin.source == ADDRESS:
        address = entry.origin.page_url
        field, python, script = f"url={address}", f"data={{**model, 'url': {address!r}}}", json.dumps(address)
        photo = f'form.append("url", {script});'
    else:
        name = entry.file_name or "photo.jpg"
        field = f"image=@{name}"
        python = f"data=model, files={{'image': open({name!r}, 'rb')}}"
        photo = 'form.append("image", document.querySelector("input[type=file]").files[0]);'
    return {
        "curl": f"curl -F {shlex.quote(field)} -F {shlex.quote(f'model={entry.model}')} {shlex.quote(url)}",
        "Python": "import requests\n\n"
        f"model = {{'model': {entry.model!r}}}\n"
        f"answer = requests.post({url!r}, {python})\n"
        "print(answer.json())",
        "JavaScript": "const form = new FormData();\n"
        f"{photo}\n"
        f'form.append("model", {json.dumps(entry.model)});\n'
        f'const answer = await fetch({json.dumps(url)}, {{ method: "POST", body: form }});\n'
        "console.log(await answer.json());",
    }
