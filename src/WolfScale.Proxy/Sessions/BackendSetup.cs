using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Handshake;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Responses;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// What the proxy says to a backend on its own: logging in with the client's secret, and statements whose answers the client does not see. One after
/// the other; the first refusal ends it.
/// </summary>
/// <param name="backend">The connection.</param>
/// <param name="login">How to log in, or null where that is done.</param>
/// <param name="script">Statements.</param>
/// <param name="done">Called once: with null when all was accepted, else with the server's refusal.</param>
internal sealed class BackendSetup(Backend backend, BackendLogin? login, IReadOnlyList<ScriptItem> script, Action<BackendSetup, ErrPacket?> done)
{
    /// <summary>A column definition ends with: type 1 · flags 2 · decimals 1 · filler 2.</summary>
    private const int FromTypeToEnd = 6;

    /// <summary>Whoever goes on for so long wants the connection to be of no use.</summary>
    private const int MostInterruptions = 100;

    private ResponseTracker _tracker;
    private ScriptItem _current;
    private int _next;
    private bool _awaitsRow;
    private int _interruptions;

    /// <summary>First value of the last row that came, as text; null for none, or NULL.</summary>
    public string? LastValue { get; private set; }

    /// <summary>The values of the last row that came.</summary>
    public IReadOnlyList<byte[]?> LastRow { get; private set; } = [];

    /// <summary>What an OK reports is to be kept: the server tells with it what a statement before has changed whose error could not.</summary>
    public bool KeepsChanges { get; init; }

    /// <summary>What the last OK that reported something did report.</summary>
    public byte[] Changes { get; private set; } = [];

    /// <summary>See <see cref="Backend.LastStatus"/>.</summary>
    public ServerStatus LastStatus => backend.LastStatus;

    /// <summary>See <see cref="Backend.SqlMode"/>.</summary>
    public string? SqlMode => backend.SqlMode;

    /// <summary>See <see cref="Backend.Charset"/>.</summary>
    public string? Charset => backend.Charset;

    /// <summary>Field types of the last result's columns.</summary>
    public List<byte> LastTypes { get; } = [];

    /// <summary>The backend was greeted by its server.</summary>
    public void OnGreeting(ReadOnlySpan<byte> packet)
    {
        backend.Introduce();
        login!.Answer(backend, ServerGreeting.Read(packet[PacketHeader.Size..]));
    }

    /// <summary>Begins where no login is needed.</summary>
    public void Begin() => NextStatement();

    /// <returns>Bytes taken.</returns>
    public int OnReceived(ReadOnlySpan<byte> bytes)
    {
        var taken = 0;
        while (backend.Setup == this && ShortPacket.IsWhole(bytes[taken..], out var header))
        {
            var payload = bytes.Slice(taken + PacketHeader.Size, header.PayloadLength);
            taken += PacketHeader.Size + payload.Length;
            if (login is { IsDone: false })
                OnLogin(header, payload);
            else
                OnAnswer(header, payload);
        }

        return taken;
    }

    private void OnLogin(PacketHeader header, ReadOnlySpan<byte> payload)
    {
        switch (payload[0])
        {
            case OkInfo.Marker:
                login!.IsDone = true;
                NextStatement();
                break;
            case ErrPacket.Marker:
                Done(ErrPacket.Read(payload));
                break;
            case AuthSwitchRequest.Marker when login!.TrySwitch(backend, AuthSwitchRequest.Read(payload), (byte)(header.Sequence + 1)):
                break;
            default:
                Done(new ErrPacket(1045, "28000", $"WolfScale: the account '{login!.User}' does not use {NativePassword.PluginName}, and only the client itself can log in with anything else"));
                break;
        }
    }

    private void OnAnswer(PacketHeader header, ReadOnlySpan<byte> payload)
    {
        var role = _tracker.Next(header, payload);
        if (role == PacketRole.Error)
        {
            OnRefusal(ErrPacket.Read(payload));
            return;
        }

        if (role is PacketRole.Ok or PacketRole.EndOfRows && payload.Length >= 7)
            NoteReported(OkInfo.Read(payload));
        if (role == PacketRole.ColumnCount)
            LastTypes.Clear();
        else if (!_awaitsRow && role is PacketRole.Body or PacketRole.LastDefinition && payload.Length > FromTypeToEnd)
            LastTypes.Add(payload[^FromTypeToEnd]);
        if (role == PacketRole.PrepareOk)
        {
            _current.OnPrepared?.Invoke(BinaryPrimitives.ReadUInt32LittleEndian(payload[1..]));
        }
        else if (role == PacketRole.LastDefinition)
        {
            _awaitsRow = _current.Code == CommandCode.Query;
        }
        else if (_awaitsRow && role == PacketRole.Body)
        {
            _awaitsRow = false;
            ReadRow(payload);
        }

        if (_tracker.IsDone)
            NextStatement();
    }

    private void NoteReported(in OkInfo ok)
    {
        backend.LastStatus = ok.Status;
        if (KeepsChanges && !ok.Changes.IsEmpty)
            Changes = ok.Changes.ToArray();
        var changes = new SessionChanges(ok.Changes);
        while (changes.Next())
        {
            if (changes.Kind != SessionChangeKind.SystemVariables)
                continue;
            if (changes.Name.SequenceEqual("sql_mode"u8))
                backend.SqlMode = Encoding.ASCII.GetString(changes.Value);
            else if (changes.Name.SequenceEqual("character_set_client"u8))
                backend.Charset = Encoding.ASCII.GetString(changes.Value);
        }
    }

    /// <summary>
    /// KILL QUERY was meant for the client's statement, and met one of the proxy's: nobody may be told something wrong for that. All of these do the same when they are sent again; what is to become of the
    /// client's statement is for the session to say.
    /// </summary>
    private void OnRefusal(ErrPacket refusal)
    {
        if (backend.IsHop && refusal.Code == ProxyErrors.Killed.Code && refusal.Message == ProxyErrors.Killed.Message)
        {
            backend.Setup = null;
            backend.Owner.OnCondemned(backend);
            return;
        }

        if (refusal.Code != ProxyErrors.QueryInterrupted || ++_interruptions > MostInterruptions)
        {
            Done(refusal);
            return;
        }

        backend.Owner.OnInterrupted(backend);
        _next--;
        NextStatement();
    }

    private void ReadRow(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        var row = new List<byte[]?>();
        while (!reader.IsAtEnd)
            row.Add(reader.TryReadLengthEncodedBytes(out var value) ? value.ToArray() : null);
        LastRow = row;
        LastValue = row is [{ } first, ..] ? Encoding.UTF8.GetString(first) : null;
        if (_current.OnPrepared is { } heard && uint.TryParse(LastValue, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            heard(number);
    }

    private void NextStatement()
    {
        _awaitsRow = false;
        if (_next == script.Count)
        {
            Done(null);
            return;
        }

        _current = script[_next++];
        _tracker.Begin(CommandShapes.Of(_current.Code));
        var writer = backend.Loop.Writer;
        writer.Clear();
        writer.Sequence = 0;
        writer.Begin().Byte((byte)_current.Code).Bytes(_current.Body).End();
        _ = backend.Send(writer.Written.Span); // a broken connection is heard of as such
    }

    private void Done(ErrPacket? refusal)
    {
        backend.Setup = null;
        done(this, refusal);
    }
}

/// <summary>A command of the proxy's own.</summary>
/// <param name="Code">COM_QUERY or COM_STMT_PREPARE.</param>
/// <param name="Body">What follows the code.</param>
/// <param name="OnPrepared">Hears the id of a prepared statement, or the number that a query's first row begins with.</param>
internal readonly record struct ScriptItem(CommandCode Code, byte[] Body, Action<uint>? OnPrepared = null)
{
    /// <summary>A name of anything, as SQL.</summary>
    public static string Quoted(string name) => $"`{name.Replace("`", "``", StringComparison.Ordinal)}`";

    public static ScriptItem Query(byte[] sql) => new(CommandCode.Query, sql);

    public static ScriptItem Query(string sql, Encoding encoding) => new(CommandCode.Query, encoding.GetBytes(sql));

    public static ScriptItem Query(string sql, Action<uint>? onNumber = null) => new(CommandCode.Query, Encoding.UTF8.GetBytes(sql), onNumber);
}

/// <summary>Logs the client in on another server, with what its first login gave away: SHA1(password), which mysql_native_password proves knowledge of.</summary>
/// <param name="packet">The client's login.</param>
/// <param name="secret">See <see cref="NativeSecret"/>; empty for an empty password.</param>
internal sealed class BackendLogin(LoginPacket packet, byte[] secret)
{
    public bool IsDone { get; set; }

    public string User => packet.User;

    public void Answer(Backend backend, ServerGreeting greeting)
    {
        var writer = backend.Loop.Writer;
        writer.Clear();
        writer.Sequence = backend.LoginSequence;
        packet.WriteFor(writer, greeting.Capabilities, NativeSecret.Prove(secret, greeting.Salt.Span), NativePassword.PluginName, backend.Hop, first: false);
        _ = backend.Send(writer.Written.Span);
    }

    public bool TrySwitch(Backend backend, AuthSwitchRequest request, byte sequence)
    {
        if (request.Plugin != NativePassword.PluginName)
            return false;
        var writer = backend.Loop.Writer;
        writer.Clear();
        writer.Sequence = sequence;
        writer.Begin().Bytes(NativeSecret.Prove(secret, request.Salt)).End();
        return backend.Send(writer.Written.Span);
    }
}

/// <summary>
/// mysql_native_password: the client sends SHA1(password) XOR SHA1(salt + SHA1(SHA1(password))), the server stores SHA1(SHA1(password)). Who knows what is
/// stored learns SHA1(password) from one answer, and can log in with it.
/// </summary>
internal static class NativeSecret
{
    /// <returns>SHA1(password), or null when the answer does not belong to this stored hash.</returns>
    public static byte[]? Recover(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> stored)
    {
        if (answer.Length != SHA1.HashSizeInBytes || stored.Length != SHA1.HashSizeInBytes)
            return null;
        var secret = SHA1.HashData([.. salt, .. stored]);
        for (var i = 0; i < secret.Length; i++)
            secret[i] ^= answer[i];
        return CryptographicOperations.FixedTimeEquals(SHA1.HashData(secret), stored) ? secret : null;
    }

    /// <summary>The answer to a server's salt.</summary>
    public static byte[] Prove(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> salt)
    {
        if (secret.IsEmpty)
            return [];
        var proof = SHA1.HashData([.. salt, .. SHA1.HashData(secret)]);
        for (var i = 0; i < proof.Length; i++)
            proof[i] ^= secret[i];
        return proof;
    }
}
