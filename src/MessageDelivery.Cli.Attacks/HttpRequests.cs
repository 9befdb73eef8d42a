using System.Text;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Cli.Attacks;

/// <summary>
/// What a browser can be made to send to any port: each HTTP method with text commands in its headers and its body, aimed at a user
/// who is there.
/// </summary>
internal sealed class HttpRequests() : Attack(
    "http",
    "each HTTP method with text commands in headers and body",
    "answer as HTTP or end; never carry out a command")
{
    private const int AtOnce = 4;
    private const string Smuggled = "SMUGGLED";

    private static readonly string[] Methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"];

    public override async Task RunAsync(AttackScene scene)
    {
        await using var witness = await scene.BinaryUserAsync(scene.Over);
        if (witness is null)
        {
            return;
        }

        string commands = $"relay {witness.UserId} {Smuggled}\r\nidentity\r\nrelay {witness.UserId} {Smuggled}\n\nlist\n";
        var requests = from method in Methods
                       from request in Requests(method, commands)
                       from cut in (int[])[0, 1, method.Length, method.Length + 1]
                       select (request, cut);
        await AttackScene.ForEachAsync(requests, AtOnce, one => RequestAsync(scene, one.request, one.cut));
        await witness.SendAsync(FrameBytes.Header(FrameType.Identity), scene.Interrupted);
        while (await witness.NextAsync(AttackScene.Promptly, scene.Interrupted) is { } answer && answer.Name != Answer.Identity)
        {
            if (answer.Name == Answer.Delivery)
            {
                scene.Suspect($"a command within an HTTP request was carried out: a user got a message by it");
            }
        }
    }

    private static IEnumerable<string> Requests(string method, string commands)
    {
        int length = Encoding.UTF8.GetByteCount(commands);
        yield return $"{method} / HTTP/1.1\r\nHost: hub\r\nContent-Length: {length}\r\n\r\n{commands}";
        yield return $"{method} / HTTP/1.1\r\n{commands}\r\n\r\n";
        yield return $"{method} /{commands}";
    }

    private static async Task RequestAsync(AttackScene scene, string request, int cut)
    {
        await using var connection = await scene.OpenAsync(scene.Over);
        if (connection is null)
        {
            return;
        }

        scene.Tally.AddRequests();
        byte[] bytes = Encoding.UTF8.GetBytes(request);
        if (cut > 0)
        {
            await connection.SendAsync(bytes.AsMemory(0, cut), scene.Interrupted);
            await Task.Delay(AttackScene.Promptly / 250, CancellationToken.None);
        }

        await connection.SendAsync(bytes.AsMemory(cut), scene.Interrupted);
        var ended = connection.EndsWithinAsync(AttackScene.Promptly, scene.Interrupted);
        while (await connection.NextAsync(AttackScene.Promptly, scene.Interrupted) is { } answer)
        {
            // A refusal that does not know yet what will be said may come as a line.
            if (answer.Name is Answer.TextIdentity or "list" or Answer.Line or "error invalid_message" or "prompt")
            {
                scene.Suspect($"'{request.Split(' ')[0]}' was taken for text: the hub answered '{answer.Name}'");
            }
        }

        if (!await ended && !scene.Interrupted.IsCancellationRequested)
        {
            scene.Suspect($"a '{request.Split(' ')[0]}' was not ended within {AttackScene.Promptly.TotalSeconds:0} s");
        }
    }
}
