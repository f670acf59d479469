using System.Security.Cryptography;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Protocol.Responses;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// Logins where connections are pooled (<see cref="BackendPool"/>): the proxy itself greets the client, and finds out from what the server stores of the account
/// whether its answer is right. Whom it cannot judge is judged by the server, which asks the client again.
/// </summary>
internal sealed partial class ClientSession
{
    private const int FirstSaltBytes = 8;

    /// <summary>NUL 1, capabilities 2, character set 1, status 2, capabilities 2, length 1, filler 6, MariaDB's capabilities 4.</summary>
    private const int BetweenSalts = 19;

    /// <summary>No server has it, so that every server asks with its own salt.</summary>
    private const string NoPlugin = "wolfscale_none";

    /// <summary>1: with what a server has said last, and a salt of the proxy's own.</summary>
    private void Greet(byte[] last)
    {
        ClientId = _context.Register(this);
        NoteVersion(ServerGreeting.Read(last.AsSpan(PacketHeader.Size)));
        _salt = Salt();
        var packet = last.AsSpan().ToArray();
        var id = PutId(packet);
        _salt.AsSpan(0, FirstSaltBytes).CopyTo(packet.AsSpan(id + 4));
        _salt.AsSpan(FirstSaltBytes).CopyTo(packet.AsSpan(id + 4 + FirstSaltBytes + BetweenSalts));
        Offer(packet.AsSpan(PacketHeader.Size), OwnCapabilities);
        (Phase, _nextSequence) = (SessionPhase.AwaitingLogin, 2);
        ToClient(packet);
        NextFromClient();
    }

    /// <summary>Printable, as a server's: no client expects a zero in it.</summary>
    private static byte[] Salt()
    {
        var salt = RandomNumberGenerator.GetBytes(ServerGreeting.SaltLength);
        for (var i = 0; i < salt.Length; i++)
            salt[i] = (byte)(33 + (salt[i] % 94));
        return salt;
    }

    /// <summary>2: the client has answered the proxy's greeting.</summary>
    private void LogInFromPool()
    {
        _ticket++;
        Phase = SessionPhase.Preparing;
        var ticket = _ticket;
        if (_login!.Plugin is NativePassword.PluginName or "")
            FindSecret(_login.User, (_, secret, _) => Redeem(ticket, () => OnSecretForLogin(secret)));
        else
            OnSecretForLogin(null);
    }

    private void OnSecretForLogin(byte[]? secret)
    {
        if (secret is null)
        {
            Phase = SessionPhase.Connecting;
            ConnectToLeader(); // the server is to ask
            return;
        }

        _secret = secret;
        ResetState(keepsSchemaAndRole: false);
        _moveUntilMs = _loop.NowMs + _context.Options.FailoverWaitMs;
        LookForLeader();
    }

    /// <summary>3: a connection is there, logged in and prepared.</summary>
    private void LoggedIn(BackendSetup setup)
    {
        _authenticated = true;
        var writer = _loop.Writer;
        writer.Clear();
        writer.Sequence = _nextSequence;
        new OkPacket(0, 0, setup.LastStatus & ~ServerStatus.SessionStateChanged, 0).Write(writer);
        _welcome = writer.Written.ToArray();
        Welcome(setup, null);
    }

    private Backend? TakeFromPool(System.Net.EndPoint address) => _pool is not null && !_userIsUnknown ? _pool.Take(KeyOf(address), this) : null;

    private PoolKey KeyOf(System.Net.EndPoint address) => new(address, _login!.PoolKey, Convert.ToBase64String(_secret!));

    /// <summary>
    /// The leader's connection can serve another session: the account's password is known, nothing is under way, and COM_RESET_CONNECTION takes back
    /// everything else; but a schema only by choosing another, and a role not at all.
    /// </summary>
    private bool IsPoolable =>
        _pool is not null && Phase == SessionPhase.Idle && _authenticated && _secret is not null && !_userChanged && _stream is null
        && _leader is { IsClosed: false, IsCongested: false, Setup: null } leader && leader.Address.Equals(_context.Routes.Current.Leader);

    private bool HasChosenSchema => string.IsNullOrEmpty(_login!.Database) && !string.IsNullOrEmpty(_state.Schema);

    /// <summary>The client was greeted by its server: KILL with this id, from wherever it comes, means this client and no later one.</summary>
    private bool IsKnownByItsId => _leader!.ConnectionId == ClientId;

    private PoolKey? KeyForPool() => IsPoolable && !_optionWasSet && !HasChosenSchema && !_state.HasRole && !IsKnownByItsId ? KeyOf(_leader!.Address) : null;
}
