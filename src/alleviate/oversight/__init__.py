"""What officers watch: figures with intervals, small ones hidden."""
