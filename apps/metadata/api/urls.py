"""Routes of the questions that hosts ask. Guests ask at their own address, on their host."""

from django.urls import URLPattern, path

from apps.metadata.api.views import answers

urlpatterns: list[URLPattern] = [
    path("metadata/v1/documents", answers.of_askers),
    path("metadata/v1/passwords", answers.password),
]
