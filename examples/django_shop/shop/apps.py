from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"
    verbose_name = "فروشگاه"

    def ready(self):
        from shop import sms  # noqa: F401  # it connects its receivers
