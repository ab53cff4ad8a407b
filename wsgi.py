from click import ClickException

from app import create_app
from app.errors import SettingsError

try:
    application = create_app()
except SettingsError as error:
    raise ClickException(str(error)) from error  # which a `flask` command prints as one sentence
