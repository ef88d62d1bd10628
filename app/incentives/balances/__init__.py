"""What gift cards hold: changing it by hand, and the record of every change."""
