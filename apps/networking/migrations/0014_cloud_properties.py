from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('networking', '0013_auto_assigned'),
    ]

    operations = [
        migrations.CreateModel(
            name='CloudProperty',
            fields=[
                ('name', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('value', models.CharField(max_length=255)),
            ],
            options={'verbose_name_plural': 'cloud properties'},
        ),
    ]
