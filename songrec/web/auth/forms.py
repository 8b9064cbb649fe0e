"""The account forms; their CSRF tokens are checked for all requests at once, in ``security``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, PasswordField, SelectField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice

from songrec.core.errors import BadInput
from songrec.store.listeners import api_tokens, app_passwords, users
from songrec.store.tables import User

_NAME = {
    "maxlength": 30,
    "autocomplete": "username",
    "autocapitalize": "none",
    "spellcheck": "false",
}
_CURRENT = {"autocomplete": "current-password"}
_AGAIN = {"autocomplete": "new-password"}
_NEW = {"minlength": 10, "maxlength": 500, **_AGAIN}


class AccountForm(FlaskForm):
    """A form filled from the request; missing fields are empty."""

    class Meta:
        """Settings of the form: the application has checked the CSRF token before the view."""

        csrf = False

    def __init__(self) -> None:
        super().__init__(request.form)  # and never from JSON, as Flask-WTF does by itself

    @property
    def error(self) -> str | None:
        """The first reason for which the form was refused."""
        return next((reasons[0] for reasons in self.errors.values() if reasons), None)

    def carry_out(self, action: Callable[[], object]) -> bool:
        """Run ``action`` if the fields are valid; False, with an ``error``, if either refuses."""
        try:
            if self.validate():
                action()
        except BadInput as error:
            self.form_errors.append(str(error))
        return self.error is None


class _RepeatedPassword:
    """A field that repeats the new password, where it is sent at all."""

    def __init__(self, message: str) -> None:
        self.message = message

    def __call__(self, form: Any, field: Field) -> None:
        if field.raw_data and field.data != form.password.data:
            raise ValidationError(self.message)


class SignInForm(AccountForm):
    """Name and password of an account."""

    name = StringField("Name", default="", render_kw=_NAME)
    password = PasswordField("Password", default="", render_kw=_CURRENT)


class SignUpForm(AccountForm):
    """Name and password of a new account."""

    name = StringField("Name", default="", description="3 to 30 characters.", render_kw=_NAME)
    password = PasswordField(
        "Password",
        default="",
        description="At least 10 characters. If you forget it, an admin can reset it.",
        render_kw=_NEW,
    )
    again = PasswordField(
        "Repeat password",
        [_RepeatedPassword("The two passwords do not match.")],
        render_kw=_AGAIN,
    )


class DeleteAccountForm(AccountForm):
    """The current password, which confirms the change."""

    current = PasswordField("Your password", id="confirm", default="", render_kw=_CURRENT)

    def __init__(self, user: User) -> None:
        super().__init__()
        self.user = user

    def validate_current(self, field: Field) -> None:
        """Refuse a wrong password."""
        if not users.has_password(self.user, field.data):
            raise ValidationError("Wrong current password.")


class ChangePasswordForm(DeleteAccountForm):
    """The current password and, twice, a new one."""

    current = PasswordField("Current password", default="", render_kw=_CURRENT)
    password = PasswordField(
        "New password", default="", description="At least 10 characters.", render_kw=_NEW
    )
    again = PasswordField(
        "Repeat new password",
        [_RepeatedPassword("The two new passwords do not match.")],
        render_kw=_AGAIN,
    )
    revoke_tokens = BooleanField("Also revoke my API tokens and app passwords")


class AppPasswordForm(AccountForm):
    """Name of the device that gets a password."""

    device = StringField(
        "Device",
        id="app-device",
        default="",
        description="Such as “My phone”.",
        render_kw={"maxlength": app_passwords.DEVICE_LENGTH, "autocomplete": "off"},
    )


class TokenForm(AccountForm):
    """Name, scope and lifetime of a new API token."""

    name = StringField("Name", id="token-name", default="", render_kw={"maxlength": 60})
    scope = StringField(default="read")
    days = SelectField(
        "Expires",
        id="token-days",
        coerce=int,
        choices=[
            *(SelectChoice(str(days), f"After {days} days") for days in api_tokens.EXPIRY_DAYS),
            SelectChoice("0", "Never"),
        ],
        default=90,
    )

    def __init__(self) -> None:
        super().__init__()
        if request.method == "POST" and "days" not in request.form:
            self.days.data = 0  # programs that know no lifetimes
