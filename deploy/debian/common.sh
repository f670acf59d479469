units="wolfscale wolfscale-proxy wolfscale-load-balancer"
# Which services an upgrade has stopped, and starts again.
stopped=/run/wolfscale-upgrade

has_systemd() { # it is this machine's first process; in a chroot or an image being built it is not
  [ -d /run/systemd/system ]
}
