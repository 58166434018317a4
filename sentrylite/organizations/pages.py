"""Pages for people in a browser: accepting an invitation.

The link is the proof that its mail arrived, so nothing here says anything without it.
"""

from typing import Any

from django import forms
from django.contrib.auth import authenticate, login, logout, password_validation
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from sentrylite.accounts.models import User
from sentrylite.api import params
from sentrylite.api.addresses import client_address
from sentrylite.organizations import invitations, members
from sentrylite.organizations.audit import Author
from sentrylite.organizations.models import OrganizationMember

# The address of the page, which is secret, is told to nobody.
HEADERS = {"Referrer-Policy": "no-referrer"}
ACCEPTED = "accepted-organization"


class SignInForm(forms.Form):
    """For somebody who has an account. Raises TooManyAttempts when it is looked at."""

    email = forms.EmailField(
        label="E-mail address", widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    user: User

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean(self) -> dict[str, Any]:
        sent = super().clean() or {}
        if not self.errors:
            found = User.objects.filter(email__iexact=sent["email"], is_active=True)
            known = found.order_by("pk").first()
            # An unknown address takes as long to refuse as a wrong password.
            user = authenticate(
                self.request,
                username=known.username if known else sent["email"],
                password=sent["password"],
            )
            if user is None:
                raise forms.ValidationError("The e-mail address or the password is not right.")
            self.user = user
        return sent


class SignUpForm(forms.Form):
    """For somebody new. The e-mail address is that of the invitation."""

    name = forms.CharField(
        label="Your name",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )
    repeated = forms.CharField(
        label="The password again",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email.lower()

    def clean(self) -> dict[str, Any]:
        sent = super().clean() or {}
        if self.errors:
            return sent
        password, repeated = sent["password"], sent["repeated"]
        user = User(username=self.email, email=self.email, name=sent["name"])
        try:
            password_validation.validate_password(password, user)
        except forms.ValidationError as error:
            self.add_error("password", error)
        if password != repeated:
            self.add_error("repeated", "The two passwords are not the same.")
        return sent

    def save(self) -> User:
        """Raises IntegrityError when somebody with this address was faster."""
        sent = self.cleaned_data
        with transaction.atomic():
            return User.objects.create_user(
                self.email, self.email, sent["password"], name=sent["name"]
            )


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class AcceptView(View):
    """`/accept/{member}/{token}/`: join as who is signed in, or sign in, or sign up."""

    invitation: OrganizationMember

    def dispatch(self, request: HttpRequest, *args: Any, **path: Any) -> HttpResponse:
        now = timezone.now()
        found = None
        if params.is_id(path["member_id"]) and "\0" not in path["token"]:
            found = invitations.find(int(path["member_id"]), path["token"], now)
        if found is None:
            return self.page("gone", status=404)
        self.invitation = found
        answer = super().dispatch(request, *args, **path)
        assert isinstance(answer, HttpResponse)  # noqa: S101  there is no other kind here
        return answer

    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return self.page("join")
        if self.has_account() or "sign-in" in request.GET:
            email = self.invitation.email if self.has_account() else ""
            return self.page("sign-in", SignInForm(initial={"email": email}, request=request))
        return self.page("sign-up", SignUpForm(email=self.invitation.email))

    def post(self, request: HttpRequest, **path: Any) -> HttpResponse:
        action = request.POST.get("action")
        if action == "sign-out":
            logout(request)
            return redirect(request.path)
        if isinstance(request.user, User):
            return self.accept(request.user)
        if action == "sign-in":
            form = SignInForm(request.POST, request=request)
            if form.is_valid():
                return self.accept(form.user)
            return self.page("sign-in", form, status=400)
        if self.has_account():
            return redirect(request.path)
        sign_up = SignUpForm(request.POST, email=self.invitation.email)
        if sign_up.is_valid():
            try:
                return self.accept(sign_up.save())
            except IntegrityError:
                return redirect(request.path)
        return self.page("sign-up", sign_up, status=400)

    def has_account(self) -> bool:
        email = self.invitation.email
        return User.objects.filter(Q(email__iexact=email) | Q(username__iexact=email)).exists()

    def accept(self, user: User) -> HttpResponse:
        by = Author(user, client_address(self.request))
        try:
            members.accept(self.invitation, user, by=by, now=timezone.now())
        except members.Gone:
            return self.page("gone", status=404)
        if self.request.user != user:
            login(self.request, user)
        self.request.session[ACCEPTED] = self.invitation.organization.name
        return redirect("accepted")

    def page(self, name: str, form: forms.Form | None = None, *, status: int = 200) -> HttpResponse:
        context = {"form": form, "invitation": getattr(self, "invitation", None)}
        return TemplateResponse(
            self.request, f"invitations/{name}.html", context, status=status, headers=HEADERS
        )


def accepted(request: HttpRequest) -> HttpResponse:
    """What was joined; without that, there is nothing to say."""
    organization = request.session.get(ACCEPTED) if request.user.is_authenticated else None
    if organization is None:
        return TemplateResponse(request, "invitations/gone.html", status=404, headers=HEADERS)
    context = {"organization": organization}
    return TemplateResponse(request, "invitations/accepted.html", context, headers=HEADERS)
