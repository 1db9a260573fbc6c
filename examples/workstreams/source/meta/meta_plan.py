##############################################################
# MODULE : meta_plan
# AUTHOR : R. Okafor
# DATE   : 1998-11-09
# PURPOSE: a plan is a set of names, each with the names it waits for
##############################################################
class Plan:

    def __init__(self):
        self.after = {}
  
    def add(self, name, after=()):
        if name in self.after:
            raise ValueError("%s is there already" % name)
        self.after[name] = list(after)

    def ready(self, done):
        names = []  
        for name in sorted(self.after):
            if name in done:
                continue
            if all(other in done for other in self.after[name]):
                names.append(name)
        return names

    def waves(self):
        done = set()
        waves = []
        while len(done) < len(self.after):
            wave = self.ready(done)
            if not wave:
                left = sorted(set(self.after) - done)
                raise ValueError("these wait for each other: " + ", ".join(left))
            waves.append(wave)
            done.update(wave)
        return waves
