"""placeholder"""
def measure():
    return "not yet"
