namespace MessageDelivery.Web.Answers;

/// <summary>What is at a path. It answers GET, and so HEAD, whose answer Kestrel sends without a body.</summary>
/// <param name="Path">The whole path, letter by letter.</param>
/// <param name="Answer">Writes the answer.</param>
internal sealed record Route(string Path, Func<HttpExchange, Task> Answer);

/// <summary>All that there is.</summary>
internal sealed class RouteTable(IEnumerable<Route> routes)
{
    private readonly Dictionary<string, Route> _byPath = routes.ToDictionary(static route => route.Path, StringComparer.Ordinal);

    public Route? Find(string path) => _byPath.GetValueOrDefault(path);
}
