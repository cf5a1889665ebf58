"""What an exported ``model.py`` has beside its network.

The functions of these modules are copied there as they stand here: they need torch alone, and Pillow for image files.
"""
