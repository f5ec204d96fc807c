"""Forms in the clothes of the admin: a widget of django-unfold for every field."""

from django import forms
from unfold import widgets


def _widget(field: forms.Field) -> forms.Widget | None:
    given = field.widget
    if isinstance(given, forms.HiddenInput):
        return None
    if isinstance(field, forms.FileField):
        return widgets.UnfoldAdminFileFieldWidget()
    if isinstance(field, forms.MultipleChoiceField):
        return widgets.UnfoldAdminSelectMultipleWidget()
    if isinstance(field, forms.ChoiceField):
        return widgets.UnfoldAdminSelectWidget()
    if isinstance(field, forms.BooleanField):
        return widgets.UnfoldBooleanSwitchWidget()
    if isinstance(given, forms.PasswordInput):
        return widgets.UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    if isinstance(given, forms.Textarea):
        return widgets.UnfoldAdminTextareaWidget(attrs={"rows": 4})
    if isinstance(field, forms.IntegerField | forms.FloatField):
        return widgets.UnfoldAdminIntegerFieldWidget()
    return widgets.UnfoldAdminTextInputWidget()


def dress(form: forms.BaseForm) -> None:
    """Replace the widgets of a form's fields in place."""
    for field in form.fields.values():
        widget = _widget(field)
        if widget is None:
            continue
        widget.is_required = field.required
        widget.attrs.update({k: v for k, v in field.widget_attrs(widget).items() if k not in widget.attrs})
        if isinstance(field, forms.ChoiceField):
            widget.choices = field.choices  # type: ignore[attr-defined]
        if isinstance(field, forms.FloatField):
            widget.attrs["step"] = "any"
        field.widget = widget
