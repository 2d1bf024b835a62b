from django.urls import include, path
from shop import views

urlpatterns = [
    path("sms/", include("smscore.contrib.django.urls")),
    path("order/", views.order),
    path("code/", views.code),
]
