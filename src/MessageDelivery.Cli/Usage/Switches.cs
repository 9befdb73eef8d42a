using System.CommandLine;

namespace MessageDelivery.Cli.Usage;

/// <summary>The options of verbs that are there or not.</summary>
internal static class Switches
{
    /// <summary>Lets only one of two be there.</summary>
    public static void Exclude(Command command, Option<bool> one, Option<bool> other) => command.Validators.Add(result =>
    {
        if (result.GetValue(one) && result.GetValue(other))
        {
            result.AddError($"{one.Name} and {other.Name} exclude each other.");
        }
    });

    /// <summary>
    /// Makes each of them stand alone: otherwise <c>mds echo --json true</c> would take the text for the option's value. A hub's settings
    /// are not among them: these may be told to be false.
    /// </summary>
    public static void TakeNoValue(Command command)
    {
        foreach (var option in command.Options.OfType<Option<bool>>())
        {
            option.Arity = ArgumentArity.Zero;
        }

        foreach (var verb in command.Subcommands)
        {
            TakeNoValue(verb);
        }
    }
}
