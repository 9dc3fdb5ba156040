"""What browsers get besides pages: styles, scripts and pictures, and how they are built."""
