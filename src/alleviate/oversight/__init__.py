"""What officers watch: alerts, decisions, the service, consent, broken glasses; figures with intervals,
small ones hidden.
"""
