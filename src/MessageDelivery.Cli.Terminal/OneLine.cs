using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Cli.Terminal;

/// <summary>Texts as one line that a terminal can show.</summary>
internal static class OneLine
{
    /// <summary>Words of others, such as the hub's or file names, as one line that cannot move the cursor and hides nothing.</summary>
    public static string Of(string text) => TextRenderer.Reveal(text.ReplaceLineEndings(" "));

    /// <summary>What an exception says, without the name of a parameter in our code, which tells nobody anything.</summary>
    public static string WithoutParameter(Exception exception)
    {
        string message = exception.Message;
        if (exception is ArgumentException { ParamName.Length: > 0 } wrong)
        {
            message = message.Replace($" (Parameter '{wrong.ParamName}')", "", StringComparison.Ordinal);
        }

        int value = exception is ArgumentOutOfRangeException ? message.IndexOf("\nActual value was ", StringComparison.Ordinal) : -1;
        return value < 0 ? message : message[..value].TrimEnd('\r');
    }
}
