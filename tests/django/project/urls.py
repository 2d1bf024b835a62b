from django.contrib import admin
from django.urls import include, path
from shop import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("sms/", include("smscore.contrib.django.urls")),
    path("order/", views.order),
    path("code/", views.code),
]
