using System.Globalization;
using System.Net.Sockets;
using WolfScale.Protocol;
using WolfScale.Proxy.Net;
using WolfScale.Proxy.Sessions;

namespace WolfScale.Unit.Proxy.Fuzzing;

/// <summary>The side of the servers, and damage.</summary>
internal sealed partial class SessionFuzzer
{
    private FuzzPeer? Leader() => _servers.LastOrDefault(s => s.IsLeader).Peer;

    private void Accept()
    {
        Accept(_leaderListener, true);
        Accept(_localListener, false);
    }

    private void Accept(Socket listener, bool isLeader)
    {
        while (Libc.Accept((int)listener.Handle) is >= 0 and var descriptor)
        {
            var peer = new FuzzPeer(descriptor);
            _servers.Add((peer, isLeader));
            if (!_silent)
                Answer(peer, FuzzAnswers.Greeting());
            peer.IsNew = true;
        }
    }

    private void Serve()
    {
        if (_session.Phase is SessionPhase.Connecting or SessionPhase.Preparing)
            Accept();
        foreach (var (peer, _) in _servers)
        {
            peer.Pull();
            while (!_silent && peer.TryTake(out var payload))
            {
                _heard++;
                if (peer.IsNew)
                {
                    peer.IsNew = false;
                    Answer(peer, RawPeer.Packet((byte)(peer.LastSequence + 1), RawPeer.Ok()));
                }
                else if (payload is [0x0E])
                {
                    peer.Send(RawPeer.Packet(1, [0xFF, 1, 4, .. "#HY000pong "u8, .. System.Text.Encoding.ASCII.GetBytes((++_pongs).ToString(CultureInfo.InvariantCulture))]));
                }
                else if ((_isPlain ? FuzzAnswers.Plain(payload) : FuzzAnswers.Answer(payload, _random)) is { } answer)
                {
                    Answer(peer, answer);
                }
            }
        }

        _ = _servers.RemoveAll(s => s.Peer.HasEnded && Dispose(s.Peer));
    }

    private static bool Dispose(FuzzPeer peer)
    {
        peer.Dispose();
        return true;
    }

    private void Answer(FuzzPeer peer, byte[] packet)
    {
        if (_damageServer > 0 && _random.Next(_damageServer) == 0)
            Damage(peer, packet);
        else
            peer.Send(packet);
    }

    private void DamageServers(byte[] packet)
    {
        foreach (var (peer, _) in _servers)
            Damage(peer, packet);
    }

    private void Damage(FuzzPeer peer, byte[] packet)
    {
        var phase = _session.Phase;
        if (phase == SessionPhase.Closed)
            return;
        var damaged = _random.Next(3) == 0 ? Mutator.Mutate(packet, _random) : Mutator.MutatePayload(packet, _random);
        _counts[(int)phase]++;
        Total++;
        _lastDamage = (phase, peer == _client ? "client" : "server", damaged);
        peer.Send(damaged);
    }
}
