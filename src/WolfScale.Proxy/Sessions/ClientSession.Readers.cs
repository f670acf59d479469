using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Routing;

namespace WolfScale.Proxy.Sessions;

/// <summary>Which reader a session has, and what becomes of it when that one goes away.</summary>
internal sealed partial class ClientSession
{
    private Reader? _reader;
    private int _readersVersion = -1;
    private string? _answeredBy; // the reader's node that showed this session something last

    /// <summary>From another thread: the node of this reader does not answer.</summary>
    public void Abandon(string reader) => _loop.Post(() =>
    {
        if (_local is { IsClosed: false } local && local.Reader!.Id == reader && Phase != SessionPhase.Closed)
            OnBackendLost(local, "its node does not answer");
    });

    /// <summary>A session keeps its reader as long as none comes or goes; then it looks whether another is the better one.</summary>
    private void ChooseReader()
    {
        var routes = _context.Routes.Current;
        if (routes.ReadersVersion == _readersVersion && _local is { IsClosed: false })
            return;
        _readersVersion = routes.ReadersVersion;
        var chosen = ReaderChoice.Choose(routes.Readers, _reader, _context.NextTurn());
        if (_local is { } local && (chosen is null || chosen.Id != local.Reader!.Id || !chosen.Address.Equals(local.Address)))
            DropLocal();
        _reader = chosen;
        if (chosen is not null && _answeredBy is { } before && before != chosen.Id)
            (_sawLeader, _answeredBy) = (true, null); // what it was shown there this one may not have yet: a session never goes back
    }

    private Backend? Dial(Reader reader) => Backend.Connect(_loop, reader, _context.Options.HopTls, this);

    /// <summary>A reader's node that accepts and says nothing (frozen, cut off) is not waited for.</summary>
    private void OnReaderSilent(Backend reader)
    {
        if (reader is { IsClosed: false, Setup: not null } && reader == _local)
            OnBackendLost(reader, "no answer");
    }

    /// <summary>Nobody begins with it before its node has been heard again.</summary>
    private void Suspect(Reader reader)
    {
        if (!reader.IsHop)
            return;
        reader.Load.IsSuspect = true;
        _context.Routes.Lost(reader.Address);
    }

    /// <summary>Not about the account: it leads, or is not fit, or has no connections left.</summary>
    private static bool IsAboutTheReader(ErrPacket refusal) => refusal.Code is 1040 or 1053 or 1129 or 1159 or 1290;
}
