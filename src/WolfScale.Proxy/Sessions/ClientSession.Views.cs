using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// Statements that name a view of which the proxy knows that it hides something (<see cref="HiddenViews"/>) go to the leader. A proxy that stands alone hears of them a moment later: the proxy
/// of the reader that it asks refuses such a statement with what a server says that must not write, and it is asked of the leader.
/// </summary>
internal sealed partial class ClientSession
{
    private HiddenViews _views = HiddenViews.None; // with which the command under way was compared

    /// <summary>
    /// A view may have been made, or changed, since the command was looked at: while it waited for the server to have what it must see, say. What is not known to be plain is the leader's.
    /// </summary>
    private bool ViewsHaveChanged => _flight.Class.Route == StatementRoute.Local && !_flight.Class.Has(StatementTraits.RefersToLastStatement) && (_views.IsOld || _views != _context.Routes.Views);

    /// <summary>A prepared statement is compared again when the views have changed.</summary>
    private void LookForViews(PreparedStatement statement)
    {
        var views = _views = _context.Routes.Views;
        if (statement.Views == views)
            return;
        statement.Views = views;
        if (StatementClassifier.Classify(statement.Sql, Classifier) is { NamesHiddenView: true } now)
            statement.MeetsHiddenView(now.Traits);
    }

    /// <summary>Another proxy wants this node's own server.</summary>
    private bool RefusesView(StatementClass statement)
    {
        if (_login!.Hop != HopKind.ToReader || (statement.Route == StatementRoute.Local ? !_views.IsOld : !statement.NamesHiddenView))
            return false;
        Answer(_views.IsOld ? ProxyErrors.ViewsNotKnown : ProxyErrors.HidesMore);
        return true;
    }
}
