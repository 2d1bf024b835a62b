from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from shop import views

urlpatterns = [
    path("", views.home, name="home"),
    path("login/", views.login_code, name="login"),
    path("login/check/", views.login_check, name="login-check"),
    path("logout/", LogoutView.as_view(next_page="home"), name="logout"),
    path("admin/", admin.site.urls),
    path("sms/", include("smscore.contrib.django.urls")),
]
