from django.contrib import admin

from shop.models import Newsletter, Order, Subscriber
from shop.sms import send_newsletter


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    """The list of deliveries: what became of each confirmation stands in the order's own row."""

    list_display = ["__str__", "name", "phone", "book", "created_at", "delivery"]
    list_filter = ["delivery"]
    search_fields = ["phone"]
    readonly_fields = ["delivery"]


@admin.register(Newsletter)
class NewsletterAdmin(admin.ModelAdmin):
    """A newsletter is sent once it is added, in the transaction that adds it."""

    list_display = ["__str__", "text", "created_at"]

    def has_change_permission(self, request, obj=None):
        return False

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        send_newsletter(obj)


admin.site.register(Subscriber)
